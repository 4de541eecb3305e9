// How PostGraphile's schema comes near to the product's: names, ids, and the newest version of a video.
import { extendSchema, gql, jsonPgSmartTags } from "postgraphile/utils";
import { decodeId, encodeId } from "./ids.mjs";

const HIDDEN = { behavior: "-*" };
const names = (fieldName, foreignFieldName) => ({
  tags: foreignFieldName ? { fieldName, foreignFieldName } : { fieldName, behavior: "-list -connection" },
});

const tags = jsonPgSmartTags({
  version: 1,
  config: {
    class: {
      ...Object.fromEntries(
        ["members", "sessions", "sign_ups", "uploads", "jobs", "events"].map((table) => [table, { tags: HIDDEN }]),
      ),
      videos: {
        constraint: {
          videos_team_id_fkey: names("team", "videos"),
          videos_created_by_id_fkey: names("createdBy"),
        },
      },
      comments: {
        // Its index is a partial one, which PostGraphile does not take for one.
        attribute: { parent_id: { tags: { behavior: "+filterBy" } } },
        constraint: {
          comments_version_id_fkey: names("version", "comments"),
          comments_video_id_fkey: names("video", "comments"),
          comments_parent_id_fkey: {
            tags: { fieldName: "parent", foreignFieldName: "replies", behavior: "+connection" },
          },
          comments_created_by_id_fkey: names("author"),
        },
      },
    },
  },
});

const ids = {
  name: "ProductIdsPlugin",
  version: "1.0.0",
  schema: {
    hooks: {
      init(_, build) {
        const { markSyncAndSafe } = build.grafast;
        build.registerNodeIdCodec({
          name: "product",
          encode: markSyncAndSafe((parts) => (parts ? encodeId(parts[0], parts[1]) : null)),
          decode: markSyncAndSafe(decodeId),
        });
        return _;
      },
    },
  },
};

const latestVersion = extendSchema((build) => {
  const { constant } = build.grafast;
  const { versions } = build.pgResources;
  function latest($video) {
    const $versions = versions.find({ video_id: $video.get("id") });
    $versions.orderBy({ attribute: "number", direction: "DESC" });
    $versions.setOrderIsUnique();
    $versions.setFirst(constant(1));
    return $versions.single();
  }
  return {
    typeDefs: gql`
      extend type Video {
        latestVersion: Version
        durationMs: BigInt
      }
    `,
    objects: {
      Video: {
        plans: {
          latestVersion: latest,
          durationMs: ($video) => latest($video).get("duration_ms"),
        },
      },
    },
  };
});

export const plugins = [tags, ids, latestVersion];
