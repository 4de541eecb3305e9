// Makes a video of a file that lies at some address. The API takes no addresses: the file goes through this step.

const { run } = require('../lib/api');
const { team } = require('../lib/fields');
const { open, upload } = require('../lib/uploads');

/** Looks for the file first, so that no video comes to be that has none. */
async function perform(z, bundle) {
  const { team: teamId, url, title, description, tags, fileName, changeDescription } = bundle.inputData;
  const file = await open(z, url);
  let video;
  try {
    const input = { teamId, title: title || file.name.slice(0, 200), description: description || '', tags: tags ?? [] };
    video = await run(z, bundle, 'CreateVideo', { input });
    const job = await upload(z, bundle, video.id, file, { fileName, changeDescription });
    return { ...video, job };
  } catch (error) {
    if (video) await run(z, bundle, 'DeleteVideo', { id: video.id }).catch(() => {}); // else it stays as a draft
    throw error;
  } finally {
    file.close();
  }
}

module.exports = {
  key: 'create_video_from_url',
  noun: 'Video',
  display: {
    label: 'Create Video From URL',
    description: 'Creates a video of a file at an address. Its first version is there some time later.',
  },
  operation: {
    inputFields: [
      { ...team, helpText: 'Whose library the video goes into.' },
      { key: 'url', label: 'File', type: 'file', required: true, helpText: 'The file, or the address that it can be downloaded from.' },
      { key: 'title', label: 'Title', type: 'string', helpText: "The file's name, if you leave it out." },
      { key: 'description', label: 'Description', type: 'text' },
      { key: 'tags', label: 'Tags', type: 'string', list: true },
      { key: 'fileName', label: 'File Name', type: 'string', helpText: 'The one in the address, if you leave it out.' },
      { key: 'changeDescription', label: 'What Has Changed', type: 'string', helpText: 'For the history of versions.' },
    ],
    perform,
    sample: {
      id: 'VmlkZW86AZoAAAAAAAAAAAAAAAAAAA',
      title: 'Northern Lights, cut 3',
      status: 'DRAFT',
      createdAt: '2026-01-15T09:30:00.250Z',
      job: { id: 'Sm9iOgGaAAAAAAAAAAAAAAAAAAA', state: 'QUEUED' },
    },
  },
};
