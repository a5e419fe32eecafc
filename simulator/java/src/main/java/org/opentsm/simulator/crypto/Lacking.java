// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.crypto;

import java.lang.reflect.Field;
import java.util.List;
import java.util.Set;
import javacard.security.CryptoException;
import javacard.security.KeyBuilder;
import javacard.security.Signature;
import javacardx.crypto.Cipher;

/**
 * What an image takes away from a card: constants of the API by class and name, such as {@code Cipher.ALG_RSA_NOPAD}.
 */
public final class Lacking {

    private static final List<Class<?>> FAMILIES = List.of(Cipher.class, Signature.class, KeyBuilder.class);

    private Lacking() {}

    /** True for a constant of Cipher, Signature or KeyBuilder. */
    public static boolean isConstant(String name) {
        return FAMILIES.stream().anyMatch(family -> List.of(family.getFields()).stream()
                .anyMatch(field -> name.equals(nameOf(family, field))));
    }

    /**
     * @throws CryptoException NO_SUCH_ALGORITHM when this card lacks the constant of this value whose name starts so
     */
    public static void refuse(Class<?> family, String prefix, int value) {
        Set<String> lacking = CryptoHost.current().lacking();
        if (lacking.isEmpty()) {
            return;
        }
        for (Field field : family.getFields()) {
            if (field.getName().startsWith(prefix)
                    && lacking.contains(nameOf(family, field))
                    && valueOf(field) == value) {
                CryptoException.throwIt(CryptoException.NO_SUCH_ALGORITHM);
            }
        }
    }

    private static String nameOf(Class<?> family, Field field) {
        return family.getSimpleName() + "." + field.getName();
    }

    private static int valueOf(Field field) {
        try {
            return ((Number) field.get(null)).intValue();
        } catch (IllegalAccessException e) {
            throw new IllegalStateException(e);
        }
    }
}
