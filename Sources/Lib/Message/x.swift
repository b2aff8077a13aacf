import Charset
