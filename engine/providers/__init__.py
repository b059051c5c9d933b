"""Asynchronous job APIs that enrich leads: submit, poll or be called back, collect.

Empty as yet: `enrich leads` is not built.
"""
