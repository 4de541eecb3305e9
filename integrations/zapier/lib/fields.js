// What people fill in, where several steps ask for the same.

/** The team that a trigger is about: those whose webhooks the key's person looks after. */
const hookTeam = {
  key: 'team',
  label: 'Team',
  type: 'string',
  required: true,
  dynamic: 'hook_teams.id.name',
  helpText: 'Only teams whose owner or admin you are.',
};

/** The team in whose library something is done. */
const team = {
  key: 'team',
  label: 'Team',
  type: 'string',
  required: true,
  dynamic: 'teams.id.name',
  altersDynamicFields: true,
};

/** A video of that team: the newest can be chosen, any other can be searched for. */
const video = {
  key: 'video',
  label: 'Video',
  type: 'string',
  required: true,
  dynamic: 'videos.id.title',
  search: 'find_video.id',
  dependsOn: ['team'],
};

module.exports = { hookTeam, team, video };
