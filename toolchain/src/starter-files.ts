// SPDX-License-Identifier: Apache-2.0
/** The starter project, file by file. The applet says hello and counts; the test talks to it through APDUs. */

const APPLET = `package example.hello;

import javacard.framework.APDU;
import javacard.framework.Applet;
import javacard.framework.ISO7816;
import javacard.framework.ISOException;
import javacard.framework.Util;

/** Answers 80 10 with a greeting and 80 20 with the number of calls so far. */
public class HelloApplet extends Applet {
    private static final byte CLA = (byte) 0x80;
    private static final byte INS_GREET = 0x10;
    private static final byte INS_COUNT = 0x20;
    private static final byte[] GREETING = {'h', 'e', 'l', 'l', 'o'};

    private short calls;

    private HelloApplet() {
    }

    public static void install(byte[] parameters, short offset, byte length) {
        new HelloApplet().register(parameters, (short) (offset + 1), parameters[offset]);
    }

    public void process(APDU apdu) {
        if (selectingApplet()) {
            return;
        }
        byte[] buffer = apdu.getBuffer();
        if (buffer[ISO7816.OFFSET_CLA] != CLA) {
            ISOException.throwIt(ISO7816.SW_CLA_NOT_SUPPORTED);
        }
        switch (buffer[ISO7816.OFFSET_INS]) {
            case INS_GREET:
                calls++;
                Util.arrayCopyNonAtomic(GREETING, (short) 0, buffer, (short) 0, (short) GREETING.length);
                apdu.setOutgoingAndSend((short) 0, (short) GREETING.length);
                break;
            case INS_COUNT:
                Util.setShort(buffer, (short) 0, calls);
                apdu.setOutgoingAndSend((short) 0, (short) 2);
                break;
            default:
                ISOException.throwIt(ISO7816.SW_INS_NOT_SUPPORTED);
        }
    }
}
`;

const BUILD = `<?xml version="1.0" encoding="UTF-8"?>
<!-- npx ant-javacard builds this with or without a vendor SDK; plain Ant does with ant-javacard.jar in this folder. -->
<project name="hello" default="cap" basedir=".">
  <taskdef name="javacard" classname="pro.javacard.ant.JavaCard" classpath="ant-javacard.jar"/>
  <property name="targetsdk" value="3.0.4"/>

  <target name="cap" description="build/hello.cap">
    <mkdir dir="build"/>
    <javacard>
      <cap targetsdk="\${targetsdk}" sources="src" classes="build/classes" output="build/hello.cap" version="1.0" aid="F04558414D504C45">
        <applet class="example.hello.HelloApplet" aid="F04558414D504C4501"/>
      </cap>
    </javacard>
  </target>

  <target name="clean">
    <delete dir="build"/>
  </target>
</project>
`;

const TEST = `// Loads the CAP file into a simulated card and talks to the applet through APDUs.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { after, before, describe, it } from 'node:test';

const AID = 'F04558414D504C4501';

describe('HelloApplet', () => {
  let card;
  let answers;

  before(() => {
    card = spawn('npx', ['ant-javacard', 'simulate', 'build/hello.cap'], { stdio: ['pipe', 'pipe', 'inherit'] });
    answers = createInterface({ input: card.stdout })[Symbol.asyncIterator]();
  });
  after(() => card.stdin.end());

  /** Sends a command APDU in hex; gives the response with its status word. */
  async function transmit(apdu) {
    card.stdin.write(\`\${apdu}\\n\`);
    const { value, done } = await answers.next();
    if (done) throw new Error('the simulator ended');
    return value;
  }

  it('is selected by its AID', async () => {
    assert.equal(await transmit(\`00A40400\${(AID.length / 2).toString(16).padStart(2, '0')}\${AID}\`), '9000');
  });

  it('greets', async () => {
    assert.equal(await transmit('8010000000'), \`\${Buffer.from('hello').toString('hex').toUpperCase()}9000\`);
  });

  it('counts the calls', async () => {
    await transmit('8010000000');
    assert.equal(await transmit('8020000000'), '00029000');
  });

  it('refuses what it does not know', async () => {
    assert.equal(await transmit('8099000000'), '6D00');
    assert.equal(await transmit('0010000000'), '6E00');
  });
});
`;

/** The packages are on no registry: the marks become the places where the project finds them. */
const PACKAGE = `{
  "name": "hello-applet",
  "version": "1.0.0",
  "private": true,
  "type": "module",
  "scripts": {
    "build": "ant-javacard",
    "test": "ant-javacard && node --test"
  },
  "devDependencies": {
    "ant-javacard": "%ANT-JAVACARD%",
    "jcardsim-runner": "%JCARDSIM-RUNNER%"
  }
}
`;

/** GitHub's image has Maven, which builds the toolchain at its first use. */
const CI = `name: build
on: [push, pull_request]
jobs:
  cap:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - uses: actions/setup-java@v4
        with: { distribution: temurin, java-version: 17 }
      - uses: actions/setup-node@v4
        with: { node-version: 24 }
      - run: npm install
      - run: npm test
      - run: npx ant-javacard verify build/hello.cap
      - uses: actions/upload-artifact@v4
        with: { name: cap, path: build/*.cap }
`;

const README = `# hello: a Java Card applet

    npm install
    npx ant-javacard          # build/hello.cap
    npx ant-javacard size build/hello.cap
    npm test                  # loads the CAP file into a simulated card

Needs Node 24, a JDK 17 and Maven. \`packages/\` holds the tools, which are on no registry; commit it, so that the CI file works too.
\`npx ant-javacard --explain\` says whether a vendor SDK is used. The AID F0... is for trials; register your own RID.
`;

export const STARTER_FILES: Readonly<Record<string, string>> = {
  'src/example/hello/HelloApplet.java': APPLET,
  'build.xml': BUILD,
  'test/hello.test.mjs': TEST,
  'package.json': PACKAGE,
  '.github/workflows/build.yml': CI,
  'README.md': README,
  '.gitignore': 'build/\nnode_modules/\n',
};
