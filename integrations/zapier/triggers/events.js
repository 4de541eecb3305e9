// A trigger for each event that an installation tells of, and one for any of them: all are REST hooks.
// The events are those of ../events.json, which is written out of the product's own catalog.

const { events, fields: inEveryEvent } = require('../events.json');
const { hooks } = require('../lib/api');
const { hookTeam, video } = require('../lib/fields');
const { isSigned } = require('../lib/signatures');

/** Has the events sent to the Zap; asked for the same again, an installation answers the hook that there is. */
function subscribe(typesOf) {
  return async (z, bundle) => {
    const { team, video: videoId } = bundle.inputData;
    const body = {
      targetUrl: bundle.targetUrl,
      eventTypes: typesOf(bundle),
      teamId: team,
      videoId: videoId || null,
      description: 'Zapier',
    };
    const { id, secret } = await hooks(z, bundle, 'POST', '', { body });
    return { id, secret };
  };
}

/** What is gone already was ended by somebody else: that is as good. */
async function unsubscribe(z, bundle) {
  await hooks(z, bundle, 'DELETE', `/${encodeURIComponent(bundle.subscribeData.id)}`, { accepts: [404] });
  return {};
}

/** The event, if it is signed: whoever else knows the Zap's address has not made it. Without a secret nobody can tell. */
async function perform(z, bundle) {
  const { secret } = bundle.subscribeData ?? {};
  if (!secret) {
    throw new z.errors.HaltedError(
      'Zapier has kept no secret of this Zap to tell by who has sent this. Switch the Zap off and on again.',
    );
  }
  if (!isSigned(bundle.rawRequest ?? {}, secret)) {
    throw new z.errors.HaltedError('This was not signed by your Video Creator.');
  }
  return [bundle.cleanedRequest];
}

/** What has happened lately, to set a Zap up with. */
function performList(typesOf) {
  return (z, bundle) =>
    hooks(z, bundle, 'GET', `/samples/${typesOf(bundle)[0]}`, { params: { teamId: bundle.inputData.team } });
}

function trigger({ key, noun, display, inputFields, sample, outputFields }, typesOf) {
  return {
    key,
    noun,
    display,
    operation: {
      type: 'hook',
      inputFields,
      performSubscribe: subscribe(typesOf),
      performUnsubscribe: unsubscribe,
      perform,
      performList: performList(typesOf),
      sample,
      outputFields,
    },
  };
}

/** Events of which none is about a video are not narrowed down to one. */
function fieldsOf(event) {
  return event.aboutVideo ? [hookTeam, { ...video, required: false, helpText: 'Leave it empty for all.' }] : [hookTeam];
}

function ofOneType(event) {
  const { key, noun, label, description, recorded, sample, fields } = event;
  const display = { label, description, hidden: !recorded };
  const outputFields = [...inEveryEvent, ...fields];
  return trigger({ key, noun, display, inputFields: fieldsOf(event), sample, outputFields }, () => [event.type]);
}

const chosen = {
  key: 'eventTypes',
  label: 'Events',
  type: 'string',
  required: true,
  list: true,
  choices: Object.fromEntries(events.filter((event) => event.recorded).map(({ type, label }) => [type, label])),
};
const ANY = {
  key: 'any_event',
  noun: 'Event',
  display: { label: 'Any of Several Events', description: 'Triggers when one of the events that you choose happens.' },
  inputFields: [hookTeam, chosen, { ...video, required: false, helpText: 'Leave it empty for all.' }],
  sample: events[0].sample,
  outputFields: inEveryEvent,
};

module.exports = Object.fromEntries(
  [...events.map(ofOneType), trigger(ANY, (bundle) => bundle.inputData.eventTypes)].map((each) => [each.key, each]),
);
