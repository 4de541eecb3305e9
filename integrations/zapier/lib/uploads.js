// A file from some address into the installation's storage, part by part: never more than one part is in memory.

const { createHash } = require('node:crypto');

const { run } = require('./api');

/**
 * Opens the address: the stream of its bytes, how many there are, what the file may be called, and how to `close` it.
 *
 * By Node's own fetch: of a stream that breaks off, `z.request` never says so.
 */
async function open(z, url) {
  const line = new AbortController();
  const refused = (message, code) => {
    line.abort();
    return new z.errors.Error(message, code, 422);
  };
  // Of what is compressed on its way nobody says how much it is.
  const asked = fetch(url, { signal: line.signal, headers: { 'Accept-Encoding': 'identity' } });
  const source = await asked.catch(() => {
    throw refused("The file's address does not answer.", 'FILE_UNREACHABLE');
  });
  if (source.status !== 200) {
    throw refused(`The file's address answered with the status ${source.status}.`, 'FILE_UNREACHABLE');
  }
  const size = Number(source.headers.get('content-length'));
  if (!Number.isSafeInteger(size) || size < 1 || source.headers.get('content-encoding')) {
    throw refused("The file's address does not say how large the file is.", 'FILE_SIZE_UNKNOWN');
  }
  return { body: source.body, size, name: nameIn(url), close: () => line.abort() };
}

function nameIn(url) {
  const last = new URL(url).pathname.split('/').pop();
  try {
    return decodeURIComponent(last).slice(-255) || 'video';
  } catch {
    return last.slice(-255);
  }
}

/** Takes the next bytes of a file, so many each time; an error where it ends before. */
function reader(z, file) {
  const cutOff = new z.errors.Error('The file broke off before its end.', 'FILE_CUT_OFF', 422);
  const chunks = file.body[Symbol.asyncIterator]();
  let left = new Uint8Array();
  return async (count) => {
    const taken = [];
    for (let missing = count; missing > 0; ) {
      if (left.length === 0) {
        const { value, done } = await chunks.next().catch(() => ({ done: true }));
        if (done) throw cutOff;
        left = value;
      }
      const part = left.subarray(0, missing);
      taken.push(part);
      left = left.subarray(part.length);
      missing -= part.length;
    }
    return Buffer.concat(taken, count);
  };
}

/** Sends one part to its own address, which is signed: no key goes there. What has arrived is compared when all has. */
async function put(z, { number, url }, body) {
  const { status } = await z.request({ url, method: 'PUT', body, skipThrowForStatus: true });
  if (status !== 200) {
    throw new z.errors.Error(`The storage did not take part ${number} of the file.`, 'UNAVAILABLE', status);
  }
  return { number, checksum: createHash('md5').update(body).digest('hex') };
}

/** Makes the file a video's next version; answers the job that does so. What fails on the way is given up. */
async function upload(z, bundle, videoId, file, { fileName, changeDescription } = {}) {
  const input = { videoId, fileName: fileName || file.name, size: file.size, changeDescription: changeDescription || null };
  const begun = await run(z, bundle, 'StartUpload', { input });
  try {
    const next = reader(z, file);
    const parts = [];
    for (const part of [...begun.missing].sort((one, other) => one.number - other.number)) {
      parts.push(await put(z, part, await next(part.size)));
    }
    return await run(z, bundle, 'CompleteUpload', { input: { id: begun.upload.id, parts } });
  } catch (error) {
    await run(z, bundle, 'DiscardUpload', { id: begun.upload.id }).catch(() => {}); // it ends by itself within a day
    throw error;
  }
}

module.exports = { open, upload };
