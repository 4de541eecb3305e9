// Asking the installation that somebody has connected, and nobody else, with their key.

const operations = require('../operations.json');

/** The installation's address. The key goes there, so the way there has to be safe, but on this very machine. */
function baseUrl(z, bundle) {
  let url;
  try {
    url = new URL(bundle.authData.baseUrl.trim());
  } catch {
    throw new z.errors.Error('The address of your Video Creator is no URL.', 'AuthenticationError', 400);
  }
  const isHere = ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname);
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isHere)) {
    throw new z.errors.Error('The address of your Video Creator begins with https://.', 'AuthenticationError', 400);
  }
  return url.origin;
}

/** The response to one request. What is refused is thrown, with the words of the installation. */
async function ask(z, bundle, method, path, { params, body, accepts = [] } = {}) {
  const response = await z.request({
    url: `${baseUrl(z, bundle)}${path}`,
    method,
    params,
    headers: {
      Accept: 'application/json',
      Authorization: `Bearer ${bundle.authData.apiKey}`,
      ...(body && { 'Content-Type': 'application/json' }),
    },
    // As text, since of an object the platform drops what is empty.
    body: body && JSON.stringify(body),
    redirect: 'error', // it could lead to somebody who is not to have the key
    skipThrowForStatus: true,
  });
  const refused = response.data?.errors?.[0];
  if (!accepts.includes(response.status) && (response.status >= 400 || refused)) {
    throw refusal(z, response.status, refused);
  }
  return response;
}

function refusal(z, status, refused) {
  const { code = 'UNKNOWN', path = [] } = refused?.extensions ?? {};
  const message = refused?.message ?? `The installation answered with the status ${status}.`;
  const text = path.length ? `${path.join('.')}: ${message}` : message;
  return new z.errors.Error(text, status === 401 ? 'AuthenticationError' : code, status);
}

/** What a REST hook's endpoint answers. */
async function hooks(z, bundle, method, path, options) {
  return (await ask(z, bundle, method, `/hooks${path}`, options)).data;
}

/**
 * The value of the one root field of an operation, out of those that every installation knows: so it is answered, too,
 * where only registered documents are. A problem, which a mutation has as a value, is thrown.
 */
async function run(z, bundle, operation, variables) {
  const body = { operationName: operation, query: operations[operation], variables };
  const { data, status } = await ask(z, bundle, 'POST', '/graphql', { body });
  const [value] = Object.values(data.data);
  if (value?.code && value?.message) {
    throw refusal(z, status, { message: value.message, extensions: { code: value.code, path: value.path ?? [] } });
  }
  return value;
}

module.exports = { hooks, run };
