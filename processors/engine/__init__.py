"""Batches of a consumer group's records, exactly once. It knows nothing of leads, and of no server.

**The story of a batch.** The group (:mod:`.group`) fetches whole ranges of the source topics and hands them
over as they come, ``max_buffer`` records ahead; it says which part of the log each covers; of a backlog it
takes a share of each partition's. Ranges that join what came before are taken in (:mod:`.intake`), others are
fetched again (:mod:`.contiguity`, :mod:`.gaps`). The engine's one loop (:mod:`.loop`) takes what has arrived
(:mod:`.inbox`), up to ``max_batch`` records of all partitions, and computes without waiting for anything
(:mod:`.batch`): each record is parsed by the :class:`Processor` of its topic; what is misplaced is sent on,
what is refused is answered; the rest is applied to the state of its key, stride by stride, and each key is
written once. The result is a set of :mod:`.effects`: outputs, states, and the offsets to go on at. Then
:mod:`.commit` makes all of it true, or nothing, in one transaction of a :mod:`.producer`: outputs and
changelog records are sent and acknowledged, the offsets are added under the group's generation, the
transaction ends, and only then the changes go to the local :mod:`.stores`, each with its position in the
changelog.

**On a server.** :mod:`.kafka` has all of it on Faust and Kafka: the group (:mod:`.kafka.consumer`), its
thread (:mod:`.kafka.fetching`), the producer (:mod:`.kafka.transaction`, :mod:`.kafka.wire`), the changelogs
(:mod:`.kafka.restore`), and the app that puts an engine together (:mod:`.kafka.app`). :mod:`.state` has the
stores, on a disk or in memory. Neither is imported from here.

**Several tables, one stream of transactions.** Processors share the batch and the transaction, not state.
One may write a topic that another reads; those records come back through Kafka, in a later batch.

**A generation.** After every rebalance :mod:`.generation` first asks for the committed offsets and waits
while a former owner's transaction with such offsets is undecided (:mod:`.kafka.offsets`); from then on no
former owner can commit. Then it has the changelogs read to their present ends, and lets in the events of
each partition as soon as its tables are there: one that needs all of its changelog keeps no other waiting. A
rebalance waits for the batch in flight, so that it commits while we are a member; what was fetched but not
begun is forgotten *together with the expectation of what comes next*, and read again by whoever owns the
partition.

**What a failure leaves behind.**

==========================  ================================================================================
a worker dies before the    an open transaction. The next process of the same ``instance_id`` aborts it at
transaction has ended       once, else the broker after ``transaction_timeout_s``; readers of committed
                            records and the next owner wait for that, nobody sees it
... after it has ended      stores that lag behind; the changelog has the rest
a worker is frozen and      if its offsets were not committed they are refused (:class:`.errors.Refused`):
replaced meanwhile          it aborts and goes on as an ordinary member. If they were, its commit stands,
                            and the new owner has waited for it. If the transaction timed out: exit code 70
the broker goes away        requests are repeated; a batch that takes longer than half the rebalance timeout
                            ends in exit code 70, and so does a rebalance or restore without progress
the disk is lost            everything is restored from the changelogs. A store that is damaged
                            (:mod:`.state.damage`), or was left alone for so long that tombstones may have
                            passed it by, is not trusted
a record cannot be used     the processor's dead letter, in the transaction. Too many of one partition: it
                            stands still (:mod:`.rejections`); of all of them, or :class:`Halt`: exit code 65
a processor raises on one   exit code 70, and a note of it (:mod:`.trouble`). A record that has done so twice
                            is passed over (:mod:`.watch`)
anything unexpected         exit code 70 before an offset moves; the supervisor restarts the worker
==========================  ================================================================================

**Trouble.** What the engine remembers of the records of a partition is committed with its offset, as
metadata: in the same transaction, for whoever owns the partition next.

**Time.** A state may name a time at which it wants to be called again, and states of tables with a retention
are dropped when they are old. :mod:`.expiry` does both by a :mod:`.watermark`, not by the clock: not before
everything that had arrived by then has been processed.

**Readers** of the outputs must be ``read_committed`` (Java's and aiokafka's default is not).
"""

from processors.engine.errors import EngineError
from processors.engine.placement import changelog_topic
from processors.engine.processor import Halt, Output, Processor, Rejected, Unfit
from processors.engine.records import Record
from processors.engine.settings import EngineSettings, Limits
from processors.engine.stats import Stats
from processors.kafka.placement import partition_for

__all__ = [
    "EngineError",
    "EngineSettings",
    "Halt",
    "Limits",
    "Output",
    "Processor",
    "Record",
    "Rejected",
    "Stats",
    "Unfit",
    "changelog_topic",
    "partition_for",
]
