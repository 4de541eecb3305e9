"""What tools find out about the contract by asking for it."""

from pathlib import Path

import httpx
from graphql import build_client_schema, build_schema, get_introspection_query, lexicographic_sort_schema, print_schema

from tests.studio import Studio

WRITTEN = Path(__file__).parents[2] / "schema.graphql"


async def test_the_running_product_describes_itself_as_it_is_written_down(telling: Studio) -> None:
    """Descriptions included: what they are may depend on what a process has imported first."""
    query = get_introspection_query(directive_is_repeatable=True)
    async with httpx.AsyncClient(base_url=telling.url) as http:
        answer = (await http.post("/graphql", json={"query": query})).json()
    told = lexicographic_sort_schema(build_client_schema(answer["data"]))
    written = lexicographic_sort_schema(build_schema(WRITTEN.read_text()))
    assert print_schema(told) == print_schema(written)
