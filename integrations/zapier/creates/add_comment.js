// Comments on a video's newest version.

const { run } = require('../lib/api');
const { team, video } = require('../lib/fields');

async function perform(z, bundle) {
  const { video: id, body, startMs, startTimecode } = bundle.inputData;
  const found = await run(z, bundle, 'Video', { id });
  if (!found?.latestVersion) {
    throw new z.errors.HaltedError('This video has no version that could be commented on.');
  }
  const moment = startTimecode ? { startTimecode } : { startMs: Number(startMs || 0) };
  return run(z, bundle, 'AddComment', { input: { versionId: found.latestVersion.id, body, ...moment } });
}

module.exports = {
  key: 'add_comment',
  noun: 'Comment',
  display: { label: 'Add Comment', description: 'Comments on the newest version of a video, at a moment of it.' },
  operation: {
    inputFields: [
      { ...team, helpText: 'Whose library the video is in.' },
      video,
      { key: 'body', label: 'Comment', type: 'text', required: true, helpText: 'At most 5,000 characters, in Markdown if you like.' },
      { key: 'startMs', label: 'Moment', type: 'integer', helpText: 'In milliseconds from the beginning; 0 if you leave it out.' },
      { key: 'startTimecode', label: 'Moment as Time Code', type: 'string', helpText: 'Such as `00:00:12:12`, in the place of milliseconds.' },
    ],
    perform,
    sample: {
      id: 'Q29tbWVudDoBmgAAAAAAAAAAAAAAAAAA',
      body: 'Could this shot stay a little longer?',
      startMs: 12480,
      startTimecode: '00:00:12:12',
      createdAt: '2026-01-15T09:30:00.250Z',
      version: { id: 'VmVyc2lvbjoBmgAAAAAAAAAAAAAAAAAA', number: 3 },
      video: { id: 'VmlkZW86AZoAAAAAAAAAAAAAAAAAAA', title: 'Northern Lights, cut 3' },
    },
  },
};
