import { createRequest } from "@urql/core";
import type { DocumentNode } from "graphql";
import { registered, sha256 } from "../documents.js";
import {
  AddCommentDocument, EditVideoDocument, SignInDocument, VideoChangedDocument, VideoDocument, type ViewerQuery,
} from "../generated/operations.js";
import { fetchOptions, urqlClient, type UrqlOptions } from "../urql.js";
import type { Place, Player } from "./player.js";

export function urql({ url, list, only, browser, live }: Place): Player {
  const hashOf = registered(list);
  const byList = {
    generateHash: async (_text: string, document: DocumentNode) => hashOf(document),
    enableForMutation: true,
    enforcePersistedQueries: true,
  };
  const made = (options: Partial<UrqlOptions> = only ? { hashes: byList } : {}) =>
    urqlClient({ url, live: live(), fetch: browser.fetch, ...options });
  const client = made();
  let token = "";
  const asking = (options: () => Partial<UrqlOptions>) => async (query: DocumentNode) =>
    (await made(options()).query<ViewerQuery>(query, {}).toPromise()).data;
  return {
    async signIn(email, password) {
      const { data } = await client.mutation(SignInDocument, { input: { email, password } }).toPromise();
      if (data?.signIn.__typename !== "SignedIn") return undefined;
      ({ token } = data.signIn); // for who cannot keep a cookie
      return data.signIn.user.name;
    },

    async video(id, position) {
      const request = createRequest(VideoDocument, { id }, { position });
      const { data, extensions } = await client.executeQuery(request, { requestPolicy: "network-only" }).toPromise();
      return { video: data?.video, position: extensions?.["position"] };
    },

    async rename(id, title) {
      const { data } = await client.mutation(EditVideoDocument, { input: { id, title } }).toPromise();
      return data?.editVideo;
    },

    async comment(versionId, body, key) {
      const once = { fetchOptions: fetchOptions({ "Idempotency-Key": key }) };
      const { data } = await client.mutation(AddCommentDocument, { input: { versionId, body } }, once).toPromise();
      return data?.addComment.__typename === "Comment" ? data.addComment.id : undefined;
    },

    follow(id, after, heard, failed) {
      client.subscription(VideoChangedDocument, { id }, { lastEventId: after }).subscribe(({ data, error, extensions }) => {
        if (error) error.graphQLErrors.forEach(({ extensions }) => failed(extensions["code"]));
        else heard(data?.videoChanged, extensions?.["eventId"]);
      });
    },

    ways: {
      byToken: asking(() => ({ headers: { authorization: `Bearer ${token}` }, fetch })),
      byGet: asking(() => ({ preferGetMethod: "within-url-limit" })),
      automatic: asking(() => ({ hashes: { generateHash: sha256, preferGetForPersistedQueries: false } })),
      automaticByGet: asking(() => ({ hashes: { generateHash: sha256 } })),
      registered: asking(() => ({ hashes: byList })),
    },
  };
}
