// SPDX-License-Identifier: Apache-2.0
package org.opentsm.verifier;

/** How bad a finding is: a card must refuse the CAP, the CAP is unusual, or a check could not be made. */
public enum Severity {
    ERROR,
    WARNING,
    NOTE
}
