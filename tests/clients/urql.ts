/** urql, set up for this API. */
import { Client, cacheExchange, fetchExchange, subscriptionExchange, type ClientOptions } from "@urql/core";
import { persistedExchange } from "@urql/exchange-persisted";
import type { LiveClient } from "./live.js";

export interface UrqlOptions extends Pick<ClientOptions, "fetch" | "preferGetMethod"> {
  url: string;
  live: LiveClient;
  headers?: Record<string, string>;
  /** `{ generateHash: sha256 }` for automatic documents, for registered ones see documents.ts. */
  hashes?: Parameters<typeof persistedExchange>[0];
}

export function urqlClient({ live, headers, hashes, ...options }: UrqlOptions): Client {
  return new Client({
    // urql asks by GET unless told otherwise. Addresses are written into logs, and your variables are in them.
    preferGetMethod: false,
    fetchOptions: fetchOptions(headers),
    exchanges: [
      cacheExchange,
      ...(hashes ? [persistedExchange(hashes)] : []),
      fetchExchange,
      subscriptionExchange({
        forwardSubscription: (request, { context }) => ({
          subscribe: (sink) => {
            // What a subscription begins behind is given in its context.
            const extensions = { ...request.extensions, lastEventId: context["lastEventId"] };
            return { unsubscribe: live.subscribe({ ...request, query: request.query ?? "", extensions }, sink as Sink) };
          },
        }),
      }),
    ],
    ...options,
  });
}

/** An operation that brings headers of its own takes them from here: `fetchOptions` of its context replace the client's. */
export function fetchOptions(headers?: Record<string, string>): RequestInit {
  // The cookie, which counts with a GET only beside a header that no page of another site can have sent.
  return { credentials: "include", headers: { "GraphQL-Preflight": "1", ...headers } };
}

type Sink = Parameters<LiveClient["subscribe"]>[1];
