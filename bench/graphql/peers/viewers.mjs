// Who is asking: the same look-up as the product's, one statement for each request.
import { createHash } from "node:crypto";

export const NOBODY = "00000000-0000-0000-0000-000000000000";
const CURRENT = {
  name: "session",
  text: "SELECT user_id FROM sessions WHERE token_hash = $1 AND ended_at IS NULL AND expires_at > now()",
};

export async function viewerOf(pool, headers) {
  const [scheme, token] = (headers.authorization ?? "").split(" ");
  if (scheme.toLowerCase() !== "bearer" || !token) return NOBODY;
  const hash = createHash("sha256").update(token).digest("hex");
  const { rows } = await pool.query({ ...CURRENT, values: [hash] });
  return rows.length ? rows[0].user_id : NOBODY;
}
