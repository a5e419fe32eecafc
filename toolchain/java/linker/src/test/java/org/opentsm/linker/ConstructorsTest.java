// SPDX-License-Identifier: Apache-2.0
package org.opentsm.linker;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Map;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Classes that nobody makes have constructors that only those of their subclasses call. */
class ConstructorsTest {

    private static final String[] SOURCES = {
        """
        package p; public class Program {
          public static short bare(short a) { return new Leaf().of(a); }
          public static short given(short a) { return new Tip(a).of(a); }
        }""",
        """
        package p; public abstract class Base {
          short size = 3;
          Base() { this((short) 4); begin(); }
          Base(short more) { size += more; }
          abstract void begin();
          short of(short a) { return (short) (a + size); }
        }""",
        """
        package p; public abstract class Middle extends Base {
          short own = 50;
          void begin() { size++; }
        }""",
        """
        package p; public final class Leaf extends Middle {
          Leaf() { own--; }
          void begin() { super.begin(); size += 20; }
          short of(short a) { return (short) (super.of(a) + own); }
        }""",
        """
        package p; public abstract class Root {
          short v;
          Root(short a) { v = a; }
          short of(short a) { return (short) (a * v); }
        }""",
        """
        package p; public abstract class Stem extends Root {
          Stem(short a) { super((short) (a + 1)); v++; }
        }""",
        """
        package p; public final class Tip extends Stem {
          Tip(short a) { super((short) (a + 2)); v += 3; }
        }"""
    };

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void areOfTheClassThatTheyMake(boolean withDescriptor) {
        Workshop shop = new Workshop(withDescriptor);
        shop.add("p", "F000000001", false, Map.of(), SOURCES);
        assertTrue(shop.compare("p.Program", 1, 20) >= 20);
    }
}
