"""`python -m cnnreport` is the command `cnnreport`, also where it is not on the path."""

from cnnreport.cli import main

if __name__ == "__main__":
    main()
