import { CombinedGraphQLErrors, type DocumentNode } from "@apollo/client";
import { apolloClient, Positions, type ApolloOptions } from "../apollo.js";
import { registered, sha256 } from "../documents.js";
import {
  AddCommentDocument, EditVideoDocument, SignInDocument, VideoChangedDocument, VideoDocument, type ViewerQuery,
} from "../generated/operations.js";
import type { Place, Player } from "./player.js";

export function apollo({ url, list, only, browser, live }: Place): Player {
  const positions = new Positions();
  const byList = { generateHash: registered(list) };
  const made = (options: Partial<ApolloOptions> = only ? { hashes: byList } : {}) =>
    apolloClient({ url, live: live(), positions, fetch: browser.fetch, ...options });
  const client = made();
  let token = "";
  const asking = (options: () => Partial<ApolloOptions>) => async (query: DocumentNode) =>
    (await made(options()).query<ViewerQuery>({ query })).data;
  return {
    async signIn(email, password) {
      const { data } = await client.mutate({ mutation: SignInDocument, variables: { input: { email, password } } });
      if (data?.signIn.__typename !== "SignedIn") return undefined;
      ({ token } = data.signIn); // for who cannot keep a cookie
      return data.signIn.user.name;
    },

    async video(id, position) {
      const { data } = await client.query({
        query: VideoDocument,
        variables: { id },
        fetchPolicy: "network-only",
        context: { position },
      });
      return { video: data?.video, position: positions.of("Video", { id }) };
    },

    async rename(id, title) {
      const { data } = await client.mutate({ mutation: EditVideoDocument, variables: { input: { id, title } } });
      return data?.editVideo;
    },

    async comment(versionId, body, key) {
      const { data } = await client.mutate({
        mutation: AddCommentDocument,
        variables: { input: { versionId, body } },
        context: { headers: { "Idempotency-Key": key } },
      });
      return data?.addComment.__typename === "Comment" ? data.addComment.id : undefined;
    },

    follow(id, after, heard, failed) {
      client
        .subscribe({ query: VideoChangedDocument, variables: { id }, extensions: { lastEventId: after } })
        .subscribe(({ data, error, extensions }) => {
          if (data) heard(data.videoChanged, extensions?.["eventId"]);
          else if (CombinedGraphQLErrors.is(error)) failed(error.errors[0]?.extensions?.["code"]);
        });
    },

    ways: {
      byToken: asking(() => ({ headers: { authorization: `Bearer ${token}` }, fetch })),
      automatic: asking(() => ({ hashes: { sha256 } })),
      automaticByGet: asking(() => ({ hashes: { sha256, useGETForHashedQueries: true } })),
      registered: asking(() => ({ hashes: byList })),
    },
  };
}
