/** Apollo Client, set up for this API. */
import { ApolloClient, ApolloLink, HttpLink, InMemoryCache, type OperationVariables } from "@apollo/client";
import { PersistedQueryLink } from "@apollo/client/link/persisted-queries";
import { GraphQLWsLink } from "@apollo/client/link/subscriptions";
import type { Client } from "graphql-ws";
import { tap } from "rxjs";
import possibleTypes from "./generated/possible-types.js";
import type { LiveClient } from "./live.js";

export interface ApolloOptions extends Pick<HttpLink.Options, "fetch" | "headers"> {
  url: string;
  live: LiveClient;
  positions: Positions;
  /** `{ sha256 }` for automatic, `{ generateHash: registered(list) }` for registered documents; see documents.ts. */
  hashes?: PersistedQueryLink.Options;
}

export function apolloClient({ url, live, positions, hashes, ...options }: ApolloOptions): ApolloClient {
  const http = new HttpLink({ uri: url, credentials: "include", ...options }); // the cookie is included
  const asking = ApolloLink.from([positions, ...(hashes ? [new PersistedQueryLink(hashes)] : []), http]);
  const listening = new GraphQLWsLink(live as unknown as Client); // of which it calls `subscribe` alone
  return new ApolloClient({
    link: ApolloLink.split(({ operationType }) => operationType === "subscription", listening, asking),
    // Without `possibleTypes` the cache drops `... on Problem`, and with it what has gone wrong.
    cache: new InMemoryCache(possibleTypes),
  });
}

/**
 * Keeps up to which event the answers to queries are sure to be fresh: Apollo shows `extensions` to links alone.
 * A query with `context: { position }` is answered as fresh as that at least.
 */
export class Positions extends ApolloLink {
  readonly #known = new Map<string, number>();

  /** What a subscription begins behind that is to keep the answer to a query fresh. */
  of(operationName: string, variables: OperationVariables): number | undefined {
    return this.#known.get(operationName + JSON.stringify(variables));
  }

  override request(operation: ApolloLink.Operation, forward: ApolloLink.ForwardFunction) {
    const key = operation.operationName + JSON.stringify(operation.variables);
    Object.assign(operation.extensions, { position: operation.getContext()["position"] });
    return forward(operation).pipe(
      tap((result) => {
        const position: unknown = result.extensions?.["position"];
        if (typeof position === "number") this.#known.set(key, position);
      }),
    );
  }
}
