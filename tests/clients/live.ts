/** Subscriptions that go on where they broke off, over graphql-ws. Apollo and urql use it as they use graphql-ws. */
import { createClient, type Client, type ClientOptions } from "graphql-ws";

export interface LiveOptions extends Pick<ClientOptions, "url" | "connectionParams" | "webSocketImpl"> {
  /** What was missed is not known any more: load anew what is shown, as new as `position` at least. */
  resync: (position: number) => void;
  /** The session or the API key has ended: sign in, and begin again with another client. */
  signedOut: () => void;
  /** Where only registered documents are answered: what an operation is asked for by; see documents.ts. */
  hashOf?: (operationName: string) => string;
  /** Milliseconds. Before it comes back, a client waits a random part of it; after each failure twice as long. */
  pause?: number;
  /** Milliseconds. A line that is silent for so long is asked whether it is there, and has as long to say so. */
  patience?: number;
}

export type LiveClient = Pick<Client, "subscribe" | "dispose">;

export function liveClient(given: LiveOptions): LiveClient {
  const { resync, signedOut, hashOf, pause = 1000, patience = 10_000, ...options } = given;
  let silence: ReturnType<typeof setTimeout> | undefined;
  let isOver = false;
  const over = () => {
    if (!isOver) signedOut();
    isOver = true;
  };

  const client = createClient({
    ...options,
    retryAttempts: Infinity,
    retryWait: (failures) => sleep(Math.random() * pause * 2 ** Math.min(failures, 5)),
    // Without this graphql-ws gives up when a connection is refused, as it is while a server restarts.
    shouldRetry: (why) => codeOf(why) !== SIGNED_OUT,
    keepAlive: patience,
    on: {
      ping: (theirs) => void (theirs || (silence = setTimeout(() => client.terminate(), patience))),
      pong: (theirs) => void (theirs && clearTimeout(silence)),
      closed: (why) => {
        clearTimeout(silence);
        if (codeOf(why) === SIGNED_OUT) over();
      },
    },
  });

  const subscribe: Client["subscribe"] = (payload, sink) => {
    // graphql-ws sends this very object again whenever it comes back: what is changed in it, it says then.
    const extensions: Extensions = { ...payload.extensions };
    if (hashOf) extensions.persistedQuery = { version: 1, sha256Hash: hashOf(payload.operationName ?? "") };
    const query = hashOf ? "" : payload.query;
    return client.subscribe<any, any>({ ...payload, query, extensions }, {
      next: (result) => {
        const { eventId, resync: isResync }: Told = result.extensions ?? {};
        if (isResync) resync((extensions.lastEventId = eventId));
        else if (eventId === undefined) sink.next(result);
        else if (eventId > (extensions.lastEventId ?? -1)) {
          extensions.lastEventId = eventId;
          sink.next(result);
        } // and otherwise it has come before
      },
      error: (why) => {
        // A subscription may hear that the session has ended before the socket does.
        if (Array.isArray(why) && why[0]?.extensions?.code === "UNAUTHENTICATED") over();
        sink.error(why);
      },
      complete: () => sink.complete(),
    });
  };
  return { subscribe, dispose: () => client.dispose() };
}

type Extensions = Record<string, unknown> & { lastEventId?: number; persistedQuery?: object };
type Told = { eventId: number; resync: true } | { eventId?: number; resync?: undefined };
const SIGNED_OUT = 4403;
const codeOf = (why: unknown) => (why as { code?: number }).code;
const sleep = (milliseconds: number) => new Promise<void>((wake) => setTimeout(wake, milliseconds));
