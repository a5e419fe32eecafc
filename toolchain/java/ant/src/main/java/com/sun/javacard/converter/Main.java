// SPDX-License-Identifier: Apache-2.0
package com.sun.javacard.converter;

import org.opentsm.ant.ConverterCommand;

/** The class that ant-javacard starts in a kit folder; the name is its side of the interface, the work is ours. */
public final class Main {
    private Main() {}

    public static void main(String[] arguments) {
        System.exit(ConverterCommand.run(arguments, System.out, System.err));
    }
}
