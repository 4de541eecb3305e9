// Connections: the address is in libpq's own variables (PGHOST, PGUSER, PGDATABASE).
import pg from "pg";

const TIMESTAMP = 1184;
const BIGINT = 20;

// Times as ISO 8601 with their microseconds (a Date would cut them off), bigints as numbers, as the product gives them.
pg.types.setTypeParser(TIMESTAMP, (text) => `${text.replace(" ", "T")}:00`);
pg.types.setTypeParser(BIGINT, Number);

export const openPool = () => new pg.Pool({ max: 10, statement_timeout: 10_000 });

export async function inTransaction(pool, work) {
  const client = await pool.connect();
  try {
    await client.query("BEGIN");
    const result = await work(client);
    await client.query("COMMIT");
    return result;
  } catch (error) {
    await client.query("ROLLBACK");
    throw error;
  } finally {
    client.release();
  }
}
