// SPDX-License-Identifier: Apache-2.0
package org.opentsm.verifier;

import static org.opentsm.verifier.TestPackage.ABSTRACT;
import static org.opentsm.verifier.TestPackage.APPLET;
import static org.opentsm.verifier.TestPackage.INIT;
import static org.opentsm.verifier.TestPackage.PRIVATE;
import static org.opentsm.verifier.TestPackage.PUBLIC;
import static org.opentsm.verifier.TestPackage.STATIC;

import java.util.List;
import org.opentsm.cap.ConstantPoolComponent.Entry;
import org.opentsm.cap.StaticFieldComponent;
import org.opentsm.cap.StaticFieldComponent.ArrayInit;
import org.opentsm.verifier.TestPackage.Method;
import org.opentsm.verifier.TestPackage.TypeSpec;

/**
 * A package without fault: interface I { short m(short); }, class T implements I with fields, statics and a
 * package-visible method, class U extends T overriding m with a handler, and an applet.
 */
final class SoundPackage {
    final TestPackage p = new TestPackage();
    final TypeSpec i;
    final TypeSpec t;
    final TypeSpec u;
    final TypeSpec applet;
    final Method m;
    final Method closed;
    final Method override;
    final Method install;

    SoundPackage() {
        i = p.iface();
        i.method(PUBLIC | ABSTRACT, 0, "(S)S", 0, 0, "");
        t = p.clazz().field(PUBLIC, 0, "S").field(PUBLIC, 1, "[B").field(PRIVATE, 2, "L8100;");
        t.implement(() -> i.offset, 1);
        t.staticField(PUBLIC, 0, "[B", 0).staticField(PRIVATE, 0xFF, "S", 4).staticField(PRIVATE, 0xFF, "L8100;", 2);
        p.image = new StaticFieldComponent(6, 2, List.of(new ArrayInit(3, new byte[] {1, 2})), 0, new byte[] {0, 7});
        p.objectInit();
        Method init = t.method(PUBLIC | INIT, 0, "()V", 1, 0, "aload_0; invokespecial 0; return");
        p.callStatic(init);
        m = t.method(PUBLIC, 1, "(S)S", 1, 0, "sload_1; sreturn");
        closed = t.method(0, 0x80, "()V", 0, 0, "return");
        u = p.clazz();
        u.superclass = () -> t.offset;
        u.inherited = 1;
        u.method(PUBLIC | INIT, 0, "()V", 1, 0, "aload_0; invokespecial 1; return");
        override = u.method(PUBLIC, 1, "(S)S", 1, 0, "sconst_1; sreturn");
        applet = p.clazz();
        applet.superclass = () -> APPLET;
        p.constant(Entry.externalStaticMethod(0, 3, 0), "()V");
        applet.method(PUBLIC | INIT, 0, "()V", 1, 0, "aload_0; invokespecial 2; return");
        install = applet.method(PUBLIC | STATIC, 1, "([BSB)V", 0, 0, "return");
        applet.method(PUBLIC, 7, "(L800A;)V", 0, 0, "return");
        p.applet(install);
    }
}
