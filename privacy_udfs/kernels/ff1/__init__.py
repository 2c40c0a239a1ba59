"""FF1, format-preserving encryption, over whole arrays of text.

**Why by hand.** ``cryptography`` and Tink have no FF1. libffx, in Python, takes 28 microseconds for 16 digits, hardly
any of them for AES; to take all values of one length through each round together makes it some 150 times as fast
(docs/benchmarks.md). AES itself is OpenSSL's.

**One by one, where that is better.** Few values of one length, and halves over 512 bytes, go one at a time as Python's
integers. Up to 128 numerals of a half are read and written in a plain loop; longer ones are split in two, and those
parts again, since a loop takes four times as long for twice the numerals. A value of 30,000 digits so takes 18 ms
(processor time; 225 by the loop alone) and one of 200,000 takes 0.3 s (8.4); with 65,536 characters in the alphabet
that is 5 s. It still grows faster than the length, as Python divides long numbers in quadratic time.

**Source.** NIST SP 800-38G; the domain of at least a million is that of the second draft of its Revision 1. The tests
hold it against NIST's samples and, at every length, against libffx.

**What it does not protect against.** Integers of numpy and of Python are not divided in constant time. Small domains
can be walked through by whoever may encrypt, equal values stay equal, and nothing authenticates a pseudonym.
"""

from privacy_udfs.kernels.ff1.alphabet import Alphabet
from privacy_udfs.kernels.ff1.ff1 import FF1
from privacy_udfs.kernels.ff1.text import crypt_text

__all__ = ["FF1", "Alphabet", "crypt_text"]
