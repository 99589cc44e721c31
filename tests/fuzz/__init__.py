"""Fuzzing of everything that parses bytes from elsewhere.

Each module of ``targets`` has ``check(data)``: it hands the bytes to a parser, and raises where the parser raises what
it does not document, answers with what is not valid, or works without bound. ``corpus/NAME`` has its inputs: small real
ones, and every one that once failed. The suite tries them and some hundred mutations of each target's; ``scripts/fuzz``
goes on for as long as it is told.
"""
