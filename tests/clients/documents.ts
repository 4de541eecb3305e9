/** What a document is asked for by, in the place of its text. */
import { getOperationAST, type DocumentNode } from "graphql";

/** Automatic: the SHA-256 of the text, which the server is sent once if it does not know it. */
export async function sha256(text: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export interface RegisteredList {
  operations: { name: string; id: string }[];
}

/** Registered: the hash that stands in the server's list, by the operation's name. The text is never sent. */
export function registered({ operations }: RegisteredList): (asked: DocumentNode | string) => string {
  // The list has operations twice: the later text asks for `__typename` everywhere, as caches do.
  const hashes = new Map(operations.map(({ name, id }) => [name, id]));
  return (asked) => {
    const name = typeof asked === "string" ? asked : getOperationAST(asked)?.name?.value;
    const hash = hashes.get(name ?? "");
    if (!hash) throw new Error(`The operation ${name} is not registered.`);
    return hash;
  };
}
