"""Names and summaries by transformers (`nlp.use_transformers`): one process a device holds the models for all children.

Life of a text: a child asks the host of its device (:mod:`.client`), which it starts where there is none; the host
(:mod:`.host`) gathers what all children ask for, cuts it into windows, runs them in batches of about the same number of
tokens (:mod:`.batches`), and answers with names (:mod:`.names`) and summaries (:mod:`.summaries`).

Laws: torch is loaded in the host and nowhere else; models come from the local disk, never from the network; a host that
is lost takes its children along, so that the pages in work are suspects like those of any other crash.
"""
