// SPDX-License-Identifier: Apache-2.0
package org.opentsm.cap.tool;

import org.opentsm.cap.DescriptorComponent;

/** Words for Descriptor's member flags. */
final class Flags {
    private Flags() {}

    static String member(int flags) {
        return ((flags & DescriptorComponent.ACC_PUBLIC) != 0 ? " public" : "")
                + ((flags & DescriptorComponent.ACC_PRIVATE) != 0 ? " private" : "")
                + ((flags & DescriptorComponent.ACC_PROTECTED) != 0 ? " protected" : "")
                + ((flags & DescriptorComponent.ACC_STATIC) != 0 ? " static" : "")
                + ((flags & DescriptorComponent.ACC_FINAL) != 0 ? " final" : "")
                + ((flags & DescriptorComponent.ACC_METHOD_ABSTRACT) != 0 ? " abstract" : "");
    }
}
