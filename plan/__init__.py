"""Reading, declared: types say where their data lies, and one engine answers whole operations from that.

The declarations are in `declarations.py`. This room knows no noun of the product: tables, predicates and the
connection to the database are handed in.
"""

from plan.connections import Connection
from plan.declarations import (
    Standing,
    aggregate_of,
    any_by_id,
    batch,
    by_id,
    column,
    computed,
    count_of,
    first_of,
    global_id,
    list_of,
    reference,
    to_many,
    to_one,
)
from plan.depends import Depends, depends_on
from plan.errors import BadInput
from plan.ids import Node, decode_id, encode_id
from plan.nodes import link, node, node_of
from plan.plain import resolve
from plan.predicates import ASKER
from plan.reader import Reader, load, load_written
from plan.rows import Row

__all__ = [
    "ASKER",
    "BadInput",
    "Connection",
    "Depends",
    "Node",
    "Reader",
    "Row",
    "Standing",
    "aggregate_of",
    "any_by_id",
    "batch",
    "by_id",
    "column",
    "computed",
    "count_of",
    "decode_id",
    "depends_on",
    "encode_id",
    "first_of",
    "global_id",
    "link",
    "list_of",
    "load",
    "load_written",
    "node",
    "node_of",
    "reference",
    "resolve",
    "to_many",
    "to_one",
]
