// SPDX-License-Identifier: Apache-2.0
import com.yubico.yubikit.core.Transport;
import com.yubico.yubikit.core.smartcard.ApduException;
import com.yubico.yubikit.core.smartcard.SmartCardConnection;
import com.yubico.yubikit.core.smartcard.scp.KeyRef;
import com.yubico.yubikit.core.smartcard.scp.Scp03KeyParams;
import com.yubico.yubikit.core.smartcard.scp.SecurityDomainSession;
import com.yubico.yubikit.core.smartcard.scp.StaticKeys;
import java.io.IOException;
import java.security.Security;
import java.util.HexFormat;
import java.util.TreeSet;
import javax.smartcardio.Card;
import javax.smartcardio.CardChannel;
import javax.smartcardio.CardException;
import javax.smartcardio.CardTerminal;
import javax.smartcardio.CommandAPDU;
import javax.smartcardio.TerminalFactory;
import org.bouncycastle.jce.provider.BouncyCastleProvider;

/**
 * A security domain as Java programs use one: javax.smartcardio of the JDK, which fetches what waits with the class of
 * the command, and yubikit's SCP03, in commands of the extended form under T=1. Arguments: reader, AID. Prints a line
 * of JSON a verb.
 */
public final class SecurityDomainVerbs {
    private static final HexFormat HEX = HexFormat.of().withUpperCase();
    private static final int KVN = 0x30;

    /** The connection that yubikit asks for. */
    private record Connection(Card card) implements SmartCardConnection {
        @Override
        public byte[] sendAndReceive(byte[] apdu) throws IOException {
            try {
                return card.getBasicChannel().transmit(new CommandAPDU(apdu)).getBytes();
            } catch (CardException e) {
                throw new IOException(e);
            }
        }

        @Override
        public Transport getTransport() {
            return Transport.USB;
        }

        @Override
        public boolean isExtendedLengthApduSupported() {
            return card.getProtocol().equals("T=1");
        }

        @Override
        public byte[] getAtr() {
            return card.getATR().getBytes();
        }

        @Override
        public void close() {}
    }

    private interface Verb {
        Object run() throws Exception;
    }

    private static void report(String verb, Verb work) {
        String outcome;
        try {
            Object result = work.run();
            String text = result instanceof byte[] bytes ? HEX.formatHex(bytes) : String.valueOf(result);
            outcome = "\"result\": \"" + text + '"';
        } catch (Exception e) {
            Throwable cause = e instanceof IllegalStateException && e.getCause() != null ? e.getCause() : e;
            String text = cause instanceof ApduException refused
                    ? HEX.toHexDigits(refused.getSw())
                    : cause.getClass().getSimpleName();
            outcome = "\"error\": \"" + text + '"';
        }
        System.out.println("{\"verb\": \"" + verb + "\", " + outcome + '}');
    }

    private static StaticKeys keys(int from) {
        byte[][] each = new byte[3][16];
        for (int i = 0; i < 48; i++) {
            each[i / 16][i % 16] = (byte) (from + i);
        }
        return new StaticKeys(each[0], each[1], each[2]);
    }

    private static SecurityDomainSession open(Connection connection, int kvn, StaticKeys keys) throws Exception {
        SecurityDomainSession session = new SecurityDomainSession(connection);
        session.authenticate(new Scp03KeyParams(new KeyRef((byte) 1, (byte) kvn), keys));
        return session;
    }

    private static String versions(SecurityDomainSession session) throws Exception {
        TreeSet<String> found = new TreeSet<>();
        session.getKeyInformation().keySet().forEach(key -> found.add(HEX.toHexDigits(key.getKvn())));
        return String.join(" ", found);
    }

    private static void channels(Card card, byte[] aid) {
        report("channel", () -> {
            CardChannel channel = card.openLogicalChannel();
            int sw = channel.transmit(new CommandAPDU(0, 0xA4, 4, 0, aid, 256)).getSW();
            channel.close();
            return channel + " " + Integer.toHexString(sw);
        });
        report("CommandAPDU without Le", () ->
                HEX.formatHex(card.getBasicChannel().transmit(new CommandAPDU(0, 0xA4, 4, 0, aid)).getData(), 0, 1));
        report("CommandAPDU with a small Le", () ->
                card.getBasicChannel().transmit(new CommandAPDU(0x80, 0xCA, 0, 0x66, 1)).getSW() == 0x9000);
    }

    private static void domain(Connection connection) throws Exception {
        StaticKeys first = keys(0x10);
        report("keys in clear", () -> versions(new SecurityDomainSession(connection)));
        report("recognition data", () -> new SecurityDomainSession(connection).getCardRecognitionData());
        report("other keys", () -> open(connection, KVN, first));
        SecurityDomainSession session = open(connection, KVN, StaticKeys.getDefaultKeys());
        report("keys in a session", () -> versions(session));
        report("store data", () -> {
            session.storeData(HEX.parseHex("4508AABBCCDD00000110"));
            return HEX.formatHex(session.getData((short) 0x45, null));
        });
        report("put key", () -> {
            session.putKey(new KeyRef((byte) 1, (byte) 0x31), first, 0);
            return versions(session);
        });
        report("new keys", () -> versions(open(connection, 0x31, first)));
        SecurityDomainSession again = open(connection, KVN, StaticKeys.getDefaultKeys());
        report("delete key", () -> {
            again.deleteKey(new KeyRef((byte) 0, (byte) 0x31), false);
            return versions(again);
        });
        report("gone keys", () -> open(connection, 0x31, first));
    }

    public static void main(String[] arguments) throws Exception {
        Security.addProvider(new BouncyCastleProvider());
        for (CardTerminal terminal : TerminalFactory.getDefault().terminals().list()) {
            if (terminal.getName().contains(arguments[0])) {
                Card card = terminal.connect("*");
                card.beginExclusive();
                report("protocol", card::getProtocol);
                channels(card, HEX.parseHex(arguments[1]));
                domain(new Connection(card));
                card.endExclusive();
                card.disconnect(true);
            }
        }
    }
}
