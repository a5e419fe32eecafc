// SPDX-License-Identifier: Apache-2.0
package com.sun.javacard.converter;

/** The name by which command lines and scripts for the vendor's kits 2.1 and 2.2 start the converter. */
public final class Converter {
    private Converter() {}

    public static void main(String[] arguments) {
        Main.main(arguments);
    }
}
