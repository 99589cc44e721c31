"""Records to table, plain, json, jsonl, yaml and csv."""
