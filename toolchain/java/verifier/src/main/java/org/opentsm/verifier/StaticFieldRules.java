// SPDX-License-Identifier: Apache-2.0
package org.opentsm.verifier;

import org.opentsm.cap.DescriptorComponent.FieldDescriptor;
import org.opentsm.cap.HeaderComponent;
import org.opentsm.cap.StaticFieldComponent;
import org.opentsm.cap.StaticFieldComponent.ArrayInit;
import org.opentsm.cap.TypeDescriptor;
import org.opentsm.verifier.PackageView.ClassView;

/** Rules of StaticField: the image adds up, and every static field lies in its part of it. */
final class StaticFieldRules {
    private static final int MAX_ELEMENTS = 32767;
    private final PackageView view;
    private final Findings findings;
    private final StaticFieldComponent image;

    StaticFieldRules(PackageView view) {
        this.view = view;
        this.findings = view.findings;
        this.image = view.cap.staticFields();
    }

    void check() {
        int size = 2 * image.referenceCount() + image.defaultValueCount() + image.nonDefaultValues().length;
        if (size != image.imageSize()) {
            findings.error(
                    "StaticField",
                    0,
                    "image-size",
                    "the parts take " + size + " bytes, image_size is " + image.imageSize());
        }
        if (image.arrayInits().size() > image.referenceCount()) {
            findings.error(
                    "StaticField",
                    4,
                    "array-count",
                    image.arrayInits().size() + " arrays for " + image.referenceCount() + " references");
        }
        for (int i = 0; i < image.arrayInits().size(); i++) {
            checkArray(i, image.arrayInits().get(i));
        }
        boolean[] taken = new boolean[0x10000];
        boolean complete = view.cap.descriptor().isPresent();
        for (ClassView owner : view.classes.values()) {
            complete &= owner.descriptor() != null;
            if (owner.descriptor() != null) {
                owner.descriptor().fields().stream()
                        .filter(FieldDescriptor::isStatic)
                        .forEach(field -> checkField(owner, field, taken));
            }
        }
        for (int i = 0; complete && i < Math.min(size, taken.length); i++) {
            if (!taken[i]) {
                findings.warning("StaticField", "", -1, "image-gap", "no field takes image offset " + i);
                return;
            }
        }
    }

    private void checkArray(int index, ArrayInit array) {
        String where = "array " + index;
        int width = width(array.type());
        if (width == 0) {
            findings.error("StaticField", where, -1, "array-type", "type " + array.type() + " is not 2 to 5");
        } else if (array.values().length % width != 0) {
            findings.error(
                    "StaticField",
                    where,
                    -1,
                    "array-length",
                    array.values().length + " bytes are no whole number of elements");
        } else if (array.values().length / width > MAX_ELEMENTS) {
            findings.error(
                    "StaticField",
                    where,
                    -1,
                    "array-length",
                    array.values().length / width + " elements, at most " + MAX_ELEMENTS);
        } else if (array.type() == StaticFieldComponent.TYPE_INT
                && (view.cap.header().flags() & HeaderComponent.ACC_INT) == 0) {
            findings.error("Header", where, 6, "acc-int", "an int array needs ACC_INT");
        }
    }

    private static int width(int type) {
        return switch (type) {
            case StaticFieldComponent.TYPE_BOOLEAN, StaticFieldComponent.TYPE_BYTE -> 1;
            case StaticFieldComponent.TYPE_SHORT -> 2;
            case StaticFieldComponent.TYPE_INT -> 4;
            default -> 0;
        };
    }

    private void checkField(ClassView owner, FieldDescriptor field, boolean[] taken) {
        String where = owner.label() + " static field @" + field.imageOffset();
        int offset = field.imageOffset();
        int references = 2 * image.referenceCount();
        boolean reference = (field.type() & 0x8000) == 0;
        int width = reference ? 2 : width(field.type() & 0x7FFF);
        boolean inside = reference
                ? offset % 2 == 0 && offset + 2 <= references
                : offset >= references && offset + width <= image.imageSize();
        if (!inside) {
            findings.error(
                    "StaticField",
                    where,
                    -1,
                    "field-image",
                    "a field of " + width + " bytes does not lie in its part of the image");
            return;
        }
        for (int i = offset; i < offset + width; i++) {
            if (taken[i]) {
                findings.error(
                        "StaticField", where, -1, "field-overlap", "image offset " + i + " belongs to two fields");
                return;
            }
            taken[i] = true;
        }
        if (reference && offset / 2 < image.arrayInits().size()) {
            checkArrayField(where, field, image.arrayInits().get(offset / 2));
        }
    }

    private void checkArrayField(String where, FieldDescriptor field, ArrayInit array) {
        int wanted = array.type() - StaticFieldComponent.TYPE_BOOLEAN + TypeDescriptor.ARRAY_OF_BOOLEAN;
        view.type(field.type())
                .map(TypeDescriptor::returnType)
                .filter(type -> type.nibble() != wanted && !isObject(type))
                .ifPresent(type -> findings.error(
                        "StaticField",
                        where,
                        -1,
                        "array-type",
                        "the field does not take an array of type " + array.type()));
    }

    /** Object, or a class that nothing tells: a field of any other class takes no array. */
    private boolean isObject(TypeDescriptor.Type type) {
        if (type.nibble() != TypeDescriptor.REFERENCE) {
            return false;
        }
        String name = view.name(type.classRef());
        return name.equals(PackageView.OBJECT) || name.startsWith("?") || name.equals(Hierarchy.UNKNOWN);
    }
}
