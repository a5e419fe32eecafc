// SPDX-License-Identifier: Apache-2.0
package org.opentsm.cap;

import java.util.ArrayList;
import java.util.List;

/** Component 3: {@code u1 count; {u1 aidLength; aid; u2 install_method_offset}*}. */
public record AppletComponent(List<Applet> applets) implements Component {
    /** @param installOffset Method info offset of install's method_info */
    public record Applet(Aid aid, int installOffset) {}

    public AppletComponent {
        applets = List.copyOf(applets);
    }

    public static AppletComponent read(byte[] info) {
        ByteReader in = new ByteReader("Applet", info);
        int count = in.u1();
        List<Applet> applets = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            applets.add(new Applet(Aid.read(in), in.u2()));
        }
        in.expectEnd();
        return new AppletComponent(applets);
    }

    @Override
    public int tag() {
        return ComponentTag.APPLET.value();
    }

    @Override
    public byte[] info() {
        ByteWriter out = new ByteWriter().u1(applets.size());
        for (Applet applet : applets) {
            applet.aid.write(out);
            out.u2(applet.installOffset);
        }
        return out.toByteArray();
    }
}
