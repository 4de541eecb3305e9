// The integration, as the Zapier platform takes it: README.md says how it is published.

const platform = require('zapier-platform-core');

const addComment = require('./creates/add_comment');
const createVideoFromUrl = require('./creates/create_video_from_url');
const authentication = require('./lib/authentication');
const { version } = require('./package.json');
const findVideo = require('./searches/find_video');
const choices = require('./triggers/choices');
const events = require('./triggers/events');

module.exports = {
  version,
  platformVersion: platform.version,
  flags: { cleanInputData: false },
  authentication,
  triggers: { ...events, ...choices },
  creates: { [addComment.key]: addComment, [createVideoFromUrl.key]: createVideoFromUrl },
  searches: { [findVideo.key]: findVideo },
};
