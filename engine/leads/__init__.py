"""`enrich leads`: from rows of people or companies to rows of facts, through a provider of jobs.

Life of a run: its folder is opened and its inputs are read into the job store, all in one transaction
(:mod:`.prepare`, :mod:`.inputs`), the work is done (:mod:`engine.providers.work`, set up by :mod:`.setup`), and at its
end, however it ended, every lead gets a row (:mod:`.rows`). One process with one event loop is enough: a provider takes
some hundreds of requests a minute.

Invariants: a lead that is no person, or lacks what the call needs, is never submitted and says why in its row; a folder
goes on only with the settings that change what is bought; the API key is read from the environment and written nowhere.
"""
