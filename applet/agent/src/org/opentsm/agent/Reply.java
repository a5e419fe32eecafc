// SPDX-License-Identifier: Apache-2.0
package org.opentsm.agent;

import javacard.framework.JCSystem;

/**
 * The POST of a script's answers: with their length when they are there at once, and in chunks when there are more than
 * the card has room for, the first of which goes while commands are still to run.
 */
final class Reply {

    private final boolean[] begun = JCSystem.makeTransientBooleanArray((short) 1, JCSystem.CLEAR_ON_RESET);
    private final Post post;
    private final HttpAnswer answer;

    Reply(Post post, HttpAnswer answer) {
        this.post = post;
        this.answer = answer;
    }

    void clear() {
        begun[0] = false;
    }

    /** True once a part has gone: what goes wrong now breaks the connection. */
    boolean isBegun() {
        return begun[0];
    }

    /** Sends answers that are there; more follow. Nobody wants them when the script is the session's last. */
    void part(byte[] answers, short offset, short length) {
        if (answer.uriLength() == 0) {
            return;
        }
        if (!begun[0]) {
            begun[0] = true;
            post.begin();
            fields();
            post.chunked();
        }
        post.chunk(answers, offset, length);
    }

    /** Sends the answers that are left, and ends the POST, which {@link Post#begin} has begun if no part has gone. */
    void last(byte[] answers, short offset, short length) {
        if (begun[0]) {
            post.chunk(answers, offset, length);
            post.lastChunk();
        } else {
            fields();
            post.send(answers, offset, length);
        }
    }

    private void fields() {
        post.status(Text.OK);
        post.type(answer.isForFiles() ? Text.FILES_RESPONSE : Text.CONTENT_RESPONSE);
    }
}
