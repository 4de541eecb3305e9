// Who is connected: an installation and an API key of it.

const { hooks } = require('./api');

module.exports = {
  type: 'custom',
  test: (z, bundle) => hooks(z, bundle, 'GET', '/me'),
  connectionLabel: '{{name}}',
  fields: [
    {
      key: 'baseUrl',
      label: 'Address of your Video Creator',
      type: 'string',
      required: true,
      placeholder: 'https://video.example.com',
      helpText: 'Where the API of your installation is reached, without a path.',
    },
    {
      key: 'apiKey',
      label: 'API key',
      type: 'password',
      required: true,
      helpText: 'A key with the scopes `WEBHOOKS` (for triggers) and `WRITE` (for actions). It begins with `vc_`.',
    },
  ],
};
