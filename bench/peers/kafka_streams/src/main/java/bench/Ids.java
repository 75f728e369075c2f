package bench;

import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import org.bouncycastle.crypto.digests.Blake2bDigest;

/** Identities: blake2b-128, in hex. */
final class Ids {
    private Ids() {}

    static String blake2b(String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        Blake2bDigest digest = new Blake2bDigest(128);
        digest.update(bytes, 0, bytes.length);
        byte[] hash = new byte[16];
        digest.doFinal(hash, 0);
        return HexFormat.of().formatHex(hash);
    }
}
