// What drop-down fields offer. Zapier has these as triggers that nobody sees.

const { hooks, run } = require('../lib/api');

const NEWEST = 100;

/** The teams whose webhooks the key's person looks after. */
async function hookTeams(z, bundle) {
  return (await hooks(z, bundle, 'GET', '/me')).teams;
}

/** The teams in which they may do more than look. */
async function teams(z, bundle) {
  const viewer = await run(z, bundle, 'Viewer', {});
  return viewer.memberships.nodes.filter(({ role }) => role !== 'VIEWER').map(({ team, role }) => ({ ...team, role }));
}

/** The newest videos of a team. */
async function videos(z, bundle) {
  const team = await run(z, bundle, 'Library', { teamId: bundle.inputData.team, first: NEWEST });
  return team ? team.videos.edges.map(({ node }) => node) : [];
}

function choice(key, noun, perform) {
  const display = { label: `List of ${noun}s`, description: 'What a drop-down field offers.', hidden: true };
  return [key, { key, noun, display, operation: { perform } }];
}

module.exports = Object.fromEntries([
  choice('hook_teams', 'Team', hookTeams),
  choice('teams', 'Team', teams),
  choice('videos', 'Video', videos),
]);
