// For `require`: Node loads the ES modules themselves, so that both kinds of application share one copy.
module.exports = require('../dist/index.js');
