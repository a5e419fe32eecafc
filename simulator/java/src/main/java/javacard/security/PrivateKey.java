package javacard.security;

/** Marks the private key of a pair. */
public interface PrivateKey extends Key {
}
