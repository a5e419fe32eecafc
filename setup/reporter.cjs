// Mocha's spec reporter, plus the counts as JSON for the closing line of `npm test`.
const { writeFileSync } = require('node:fs');
const Mocha = require('mocha');

class CountingReporter extends Mocha.reporters.Spec {
  done(failures, next) {
    const { passes, pending } = this.stats;
    if (process.env.OPENTSM_TEST_RESULT) {
      writeFileSync(process.env.OPENTSM_TEST_RESULT, JSON.stringify({ passes, failures, pending }));
    }
    next(failures);
  }
}
module.exports = CountingReporter;
