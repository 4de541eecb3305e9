/** graphql-ws alone: queries, mutations and subscriptions over the one socket. */
import type { TypedDocumentNode } from "@graphql-typed-document-node/core";
import { getOperationAST, print, type ExecutionResult } from "graphql";
import type { LiveClient } from "./live.js";

type Extensions = Record<string, unknown>;
type Sink = Parameters<LiveClient["subscribe"]>[1];
export type Answer<Data> = ExecutionResult<Data, { position?: number; eventId?: number }>;

/**
 * The answer to a query or a mutation. It is sent again when the line breaks before the answer has come: give a
 * mutation `extensions.idempotencyKey`, so that it is done once. Rejects with GraphQL errors.
 */
export function ask<Data, Variables extends Record<string, unknown>>(
  live: LiveClient, document: TypedDocumentNode<Data, Variables>, variables: Variables, extensions: Extensions = {},
): Promise<Answer<Data>> {
  return new Promise((resolve, reject) => {
    listen(live, document, variables, extensions, { next: resolve, error: reject, complete: () => undefined });
  });
}

/** Each event of a subscription, until it ends or the function that is returned is called. */
export function listen<Data, Variables extends Record<string, unknown>>(
  live: LiveClient, document: TypedDocumentNode<Data, Variables>, variables: Variables, extensions: Extensions,
  sink: { next: (event: Answer<Data>) => void; error: (why: unknown) => void; complete: () => void },
): () => void {
  const operationName = getOperationAST(document)?.name?.value;
  return live.subscribe({ query: print(document), operationName, variables, extensions }, sink as Sink);
}
