package javacard.security;

/** Marks the public key of a pair. */
public interface PublicKey extends Key {
}
