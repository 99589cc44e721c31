"""The NVMe target as it should be: the document, the plan that makes it so, and what carries the plan out."""
