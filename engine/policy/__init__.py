"""The rules of the engine: pure decisions, each with one law.

Nothing here does I/O, reads a clock or draws a random number. `now` is a monotonic time in seconds and jitter a number
`u` in [0, 1), both passed in; so every rule is tested in microseconds with a made-up clock. Settings come as plain
arguments or as the small frozen `...Rules` of each module, shared by all hosts; objects that exist once a host have
slots and hold a few numbers. Every call on the path of a request is O(1), but for a match against robots.txt.

======================  ================================================================================================
:mod:`.verdict`         An outcome means one thing, said in one table: a signal to the limits, a failure of the host or
                        not, a retry or none, a pause of the host or none.
:mod:`.aimd`            Concurrency rises by addition and only while it is used; it falls by multiplication and at once.
                        Every host has one vote (:mod:`.votes`), and only hosts that have answered have one.
:mod:`.breaker`         A host that fails in a row is left alone for a time that grows; then one probe at a time
                        decides. A permit that never reports wedges nothing.
:mod:`.politeness`      The gap between two requests to a host is never shorter than asked for: jitter only adds. Rules
                        for one site come from the most specific match.
:mod:`.robots`          RFC 9309: the longest match of our own group decides, Allow wins a tie; no file, however
                        hostile, costs more than its length.
:mod:`.retry`           Delays are bounded tuples; Retry-After is a lower bound, and is itself bounded; attempts end.
:mod:`.outage`          When our own network is gone nobody else is charged for it; but not for ever, so that a run
                        whose hosts are all dead ends too.
:mod:`.placement`       The same site lands in the same shard, in every process and every Python.
:mod:`.restart`         A dead child is replaced while its predecessors got something done; one that cannot start, or
                        five in a row that commit nothing, end the run.
======================  ================================================================================================
"""
