"""What the plan needs to know of a Tortoise model: the only place that looks behind its curtain."""

from typing import Any

from tortoise import Tortoise, fields

_ARRAYS: dict[type, str] = {fields.UUIDField: "uuid[]", fields.BigIntField: "bigint[]", fields.IntField: "int[]"}

_COMES: dict[type, str] = {
    fields.CharField: "text",
    fields.TextField: "text",
    fields.IntField: "int",
    fields.SmallIntField: "int",
    fields.BigIntField: "bigint",
    fields.BooleanField: "boolean",
    fields.DatetimeField: "timestamptz",
}


def table_name(model: Any) -> str:
    """The table in the database."""
    name: str = model._meta.db_table  # noqa: SLF001
    return name


def quoted(model: Any) -> str:
    """The table's name as it stands in SQL."""
    return f'"{table_name(model)}"'


def model_of(table: str) -> Any:
    """The model of a table."""
    assert Tortoise.apps is not None, "models are bound to a database before types are declared over them"
    return next(model for model in Tortoise.apps.get_models_iterable() if table_name(model) == table)


def column_names(model: Any) -> set[str]:
    """The columns that can be selected."""
    return set(model._meta.fields_db_projection)  # noqa: SLF001


def is_nullable(model: Any, column: str) -> bool:
    """Whether the column may hold null."""
    return bool(model._meta.fields_map[column].null)  # noqa: SLF001


def array_type(model: Any, column: str) -> str:
    """PostgreSQL's type of a list of the column's values."""
    return _ARRAYS.get(type(model._meta.fields_map[column]), "text[]")  # noqa: SLF001


def are_unique(model: Any, *columns: str) -> bool:
    """Whether no two rows have the same values in these columns."""
    return any(set(names) == set(columns) for names in model._meta.unique_together)  # noqa: SLF001


def comes(model: Any, column: str) -> str:
    """As what the column's values come from the database; empty for kinds that are of no interest."""
    return _COMES.get(type(model._meta.fields_map[column]), "")  # noqa: SLF001


def sql_type(model: Any, column: str) -> str:
    """PostgreSQL's type of the column's values."""
    return array_type(model, column).removesuffix("[]")


def python_value(model: Any, column: str, value: Any) -> Any:
    """A value out of JSON as the column has it in Python; ValueError or TypeError when it is none."""
    return model._meta.fields_map[column].to_python_value(value)  # noqa: SLF001
