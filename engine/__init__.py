"""enrich-engine: a list of URLs in, one enriched JSON row for each out, fetched politely by uvloop shards."""

__version__ = "0.1.0"
