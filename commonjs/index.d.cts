import index = require('../dist/index.js');
export = index;
