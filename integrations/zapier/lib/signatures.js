// Whether a delivery is from the installation: Standard Webhooks, by the hook's own secret.

const { createHmac, timingSafeEqual } = require('node:crypto');

/** A header of the request as it came. Zapier writes most with `Http-` before their names. */
function header(request, name) {
  const found = Object.entries(request.headers ?? {}).find(
    ([key]) => key.toLowerCase().replace(/^http-/, '') === name,
  );
  return found ? String(found[1]) : '';
}

function isEqual(one, other) {
  return one.length === other.length && timingSafeEqual(one, other);
}

/**
 * True where one of the signatures is made with the secret. How old it is is not looked at, since Zapier may keep what
 * has come for as long as a Zap is held.
 */
function isSigned(request, secret) {
  const [id, time] = ['webhook-id', 'webhook-timestamp'].map((name) => header(request, name));
  const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64');
  const expected = createHmac('sha256', key).update(`${id}.${time}.${request.content}`).digest();
  const given = header(request, 'webhook-signature').split(' ').filter((each) => each.startsWith('v1,'));
  return given.some((each) => isEqual(Buffer.from(each.slice(3), 'base64'), expected));
}

module.exports = { isSigned };
