// Finds videos of a team by what their titles or descriptions say.

const { run } = require('../lib/api');
const { team } = require('../lib/fields');

const MOST = 10;

async function perform(z, bundle) {
  const { team: teamId, text } = bundle.inputData;
  const found = await run(z, bundle, 'Library', { teamId, first: MOST, filter: { text } });
  return found ? found.videos.edges.map(({ node }) => node) : [];
}

module.exports = {
  key: 'find_video',
  noun: 'Video',
  display: { label: 'Find Video', description: 'Finds a video by its title or description, the newest first.' },
  operation: {
    inputFields: [
      { ...team, helpText: 'Whose library is searched.' },
      { key: 'text', label: 'Text', type: 'string', required: true, helpText: 'Part of the title or description.' },
    ],
    perform,
    sample: {
      id: 'VmlkZW86AZoAAAAAAAAAAAAAAAAAAA',
      title: 'Northern Lights, cut 3',
      status: 'READY',
      tags: ['aurora'],
      createdAt: '2026-01-15T09:30:00.250Z',
      versionCount: 3,
    },
  },
};
