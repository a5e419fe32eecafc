// SPDX-License-Identifier: Apache-2.0
package com.sun.javacard.ant.tasks;

import org.opentsm.ant.ConvertTask;

/** The name by which build files of the vendor's kits 2.2.x and 3.0.x know the converter's task. */
public final class ConverterTask extends ConvertTask {}
